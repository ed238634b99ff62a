"""What the help of each command ends with: examples, and what its exit status says."""

from __future__ import annotations

DESCRIPTION = """\
Watches a screen and keeps a live record of what happens on it.

Only meaningful changes reach a model, which streams back short notes. Without a configuration the
model runs on this machine and nothing leaves it.
"""
ALL = """\
examples:
  hud demo                                  see it work on a recording, without a screen
  hud run                                   watch this screen, notes in this terminal
  hud run --sink file:notes.jsonl --for 60  one minute of notes into a file
  hud run --sink sqlite:notes.db            into a database, and later:
  hud notes --since 2h --search error       what was noted
  hud check openai.yaml > mine.yaml         a configuration of your own, to be edited
  hud doctor mine.yaml                      does the key work, how fast, at what price

`hud COMMAND --help` says more. Exit status: 0 after a clean stop, 1 when the pipeline failed, 2 for
a mistake in the configuration or the command line.
"""
BARE = "`hud demo` shows it at work; `hud COMMAND --help` says more."
_PIPELINE_STATUS = """\
The first Ctrl-C (or SIGTERM) stops the capture and lets everything in flight reach the sinks; a
second one stops at once. Exit status: 0 after a clean stop, 1 when the pipeline failed, 2 for a
mistake in the configuration or the command line.
"""
_CONTROL_STATUS = "Exit status: 0 when all were reached, 1 when one was not or none is running."
OF = {
    "run": f"""\
examples:
  hud run                                     this screen, the local model, notes in this terminal
  hud run --sink terminal --sink sqlite:notes.db   and kept, for `hud notes` and `hud why`
  hud run --set capture.monitor=all           all monitors; `hud check default.yaml` lists the keys
  hud run mine.yaml --for 3600                an hour, as configured
  hud run --source replay:DIR                 what `hud record DIR` recorded
  hud run openai.yaml                         a model of OpenAI; the key is in OPENAI_API_KEY

CONFIG is a file of yours, or one that comes with hud:
{{files}}.
`hud check openai.yaml > mine.yaml` makes it yours. `hud sinks` lists where notes can go.

{_PIPELINE_STATUS}""",
    "demo": f"""\
examples:
  hud demo                                    half a minute, without a screen and without a key
  hud demo --sink file:notes.jsonl            the notes into a file
  hud demo --set capture.speed=4              four times as fast

{_PIPELINE_STATUS}""",
    "check": """\
examples:
  hud check mine.yaml                         whatever `hud run mine.yaml` would refuse is said now
  hud check default.yaml                      every key with its default
  hud check openai.yaml > mine.yaml           a configuration of your own, to be edited

CONFIG is a file of yours, or one that comes with hud:
{files}.
Looks at no screen and asks no server. A key that is not in the environment is said, but is no
mistake of the file. Exit status: 0 when it can be run, 2 when not.
""",
    "record": """\
examples:
  hud record work --for 300                   five minutes, for `hud estimate work openai.yaml`
  hud record work --set capture.monitor=2     another monitor
  hud run --source replay:work                plays it

The pictures are for you alone (0600); what privacy.mask names is painted over in them too. Ctrl-C
stops. Exit status: 0 after a clean stop, 1 when it failed, 2 for a mistake on the command line.
""",
    "estimate": """\
examples:
  hud record work --for 300                   first record what your screen usually shows
  hud estimate work openai.yaml               then see what a run would send and cost
  hud estimate work mine.yaml --set change.sensitivity=low --json

Nothing is sent. CONFIG is a file of yours, or one that comes with hud:
{files}.
""",
    "doctor": """\
examples:
  hud doctor                                  the local model: is it installed, how long it takes
  hud doctor openai.yaml                      OpenAI, with the key in OPENAI_API_KEY; costs a cent
  hud doctor --set realtime.url=wss://HOST/v1/realtime

One small picture of a word is sent, nothing of the screen. CONFIG is a file of yours, or one that
comes with hud:
{files}.
Exit status: 0 when a note came back, 1 when not (one line says why and what to do), 2 for a
mistake in the configuration.
""",
    "serve": """\
examples:
  HUD_SERVE_KEY=... hud serve                 for clients on this machine that know the key
  hud serve --port 0                          any free port, and a random key; both are printed

Speaks OpenAI's Realtime API on 127.0.0.1 only. Ctrl-C stops. Exit status: 0 after a clean stop, 2
when the port is taken or the extra `local` is not installed.
""",
    "notes": """\
examples:
  hud notes                                   the last 50 of notes.db, else of notes.jsonl, here
  hud notes --since 2h --search error         of the last two hours, with that word
  hud notes a.db b.jsonl --until yesterday    of several files together
  hud notes --ids --limit 5                   with the ids that `hud why` takes

Only what a run writes down can be read back: hud run --sink terminal --sink sqlite:notes.db
""",
    "pause": f"""\
examples:
  hud pause                                   every running hud looks away, at once
  hud pause 4711                              only the one of that process (`hud status` names them)

A paused hud takes no picture and sends nothing; a signal SIGUSR1 pauses and resumes as well.
{_CONTROL_STATUS}
""",
    "resume": f"""\
examples:
  hud resume                                  every paused hud looks again
  hud resume 4711                             only the one of that process

{_CONTROL_STATUS}
""",
    "why": """\
examples:
  hud why                                     what became of the last frames of the running hud
  hud why "tests failed"                      what the newest note with these words was made from
  hud why 14:03:20 --save pictures            the note of that time, and its pictures as sent
  hud why 212                                 frame 212, else the note with this number in its text
  hud why --file notes.db                     after the run, from its database (sqlite sink)
""",
    "status": """\
examples:
  hud status                                  every running hud: what it watches, is all well
  hud status --json                           for a program

Exit status: 0 when every running hud does its work, is paused or has nothing to see; 1 when one
does not (the screen, the session or a sink is away, the money is spent, or a stage is stalled);
3 when none is running.
""",
    "bench": """\
examples:
  hud bench                                   about a minute
  hud bench --json > before.json              and after a change:
  hud bench --compare before.json --fail      exit status 1 if something got slower

Draws on a virtual screen (Xvfb), runs the pipeline of `hud run` on it, and answers in the model's
place: it needs no key and costs nothing.
""",
    "sinks": """\
examples:
  hud run --sink terminal --sink file:notes.jsonl    NAME, or NAME:VALUE of its first option
  hud run --sink web --set sinks.0.port=8080         any other option
""",
    "models": """\
examples:
  hud run openai.yaml --set realtime.model=gpt-realtime-2.1-mini
  hud run mine.yaml --set realtime.price_as=gpt-realtime-1.5      one that is not listed
""",
}
"""Command → the end of its help; `{files}` stands for the configurations that come with hud."""
