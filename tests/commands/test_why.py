"""What `hud why` says of a note, for a person."""

from __future__ import annotations

import attrs
import pytest

from hud.__main__ import main
from hud.commands.why import lines
from hud.fates import Exhibit
from hud.items import Status

NOTE = Exhibit(
    **{name: name for name in ("id", "cause", "rule", "caption", "text", "session", "detail")},
    seq=1,
    monitor=1,
    size=(10, 10),
    wall_time=1.0,
    regions=(),
    pictures=(),
    status=Status.COMPLETED,
)


@pytest.mark.parametrize(
    ("model", "usd", "says"),
    [
        ("local", 0.0, ["model     the local model, session", "cost      nothing"]),
        ("gpt-realtime-1.5", 0.002, ["model     gpt-realtime-1.5, ", "cost      $0.002000"]),
    ],
)
def test_who_wrote_a_note_and_what_it_cost(model, usd, says):
    told = "\n".join(lines(attrs.evolve(NOTE, model=model, usd=usd)))
    assert all(each in told for each in says)


def test_where_none_runs_the_cure_is_named(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["why"])
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "hud why --file notes.db" in line
    assert "hud run --sink terminal --sink sqlite:notes.db" in line
