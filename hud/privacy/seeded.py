"""Windows that are painted over unless the user says otherwise, each under a name of its own.

Classes as the programs set them in WM_CLASS. Chromium gives its incognito windows no mark that
other programs can see, unless their title says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hud.privacy.rules import Rule, parse

ALL = "all"
SEEDED: dict[str, tuple[str, ...]] = {
    "1password": ("class:1password*", "process:1password*"),
    "authenticator": ("class:*authenticator*", "class:yubioath*", "class:com.yubico.*"),
    "bitwarden": ("class:bitwarden*", "process:bitwarden*"),
    "chromium-incognito": ("title:*(Incognito)*", "title:*Incognito mode*"),
    "dashlane": ("class:dashlane*",),
    "edge-inprivate": ("title:*InPrivate*",),
    "enpass": ("class:enpass*",),
    "firefox-private": ("title:*Private Browsing", "title:*(Private Browsing)*"),
    "gnome-keyring": ("class:gcr-prompter*", "process:gcr-prompter*", "process:gcr4-ssh-askpass"),
    "keepass": ("class:keepass*", "process:keepassx*"),
    "keeper": ("class:keeperpasswordmanager*", "class:keeper password manager*"),
    "kwallet": ("class:kwallet*", "class:org.kde.kwallet*"),
    "nordpass": ("class:nordpass*",),
    "pinentry": ("class:pinentry*", "process:pinentry*"),
    "polkit": ("class:*polkit*", "process:*polkit*"),
    "proton-pass": ("class:proton pass*", "class:proton-pass*"),
    "qtpass": ("class:qtpass*",),
    "seahorse": ("class:seahorse*", "class:org.gnome.seahorse*"),
    "secrets": ("class:org.gnome.world.secrets*", "class:passwordsafe*"),
    "ssh-askpass": ("class:*askpass*", "process:*askpass*"),
    "tor-browser": ("class:tor browser*", "class:torbrowser*"),
}
LOCKERS = tuple(
    parse(f"{kind}:{name}")
    for kind in ("class", "process")
    for name in (
        "i3lock*", "slock", "xsecurelock*", "xtrlock", "xscreensaver*", "*-screensaver*",
        "light-locker*", "kscreenlocker*", "physlock",
    )
)  # fmt: skip
"""Programs whose window over the screen means that it is locked."""


def seeded(shown: Collection[str]) -> Iterator[Rule]:
    """The rules of all names but those."""
    for name, texts in SEEDED.items():
        if name not in shown and ALL not in shown:
            yield from map(parse, texts)
