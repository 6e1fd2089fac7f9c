"""What ``syncd init`` writes: the config with a word on every key, secrets in files of their own, and what keeps syncd running."""

from __future__ import annotations

import json
import os
import plistlib
import shlex
import sys
import tempfile
from pathlib import Path

from syncd.cli.guess import toml
from syncd.cli.wizard.source import SourceAnswers, with_secrets
from syncd.cli.wizard.store import FIELDS, StoreAnswers

_SAYS = {
    "path": "the drop folder: put exports here; files that were read move on into processed/",
    "preset": "whose export it is",
    "timezone": "for times that name no zone",
    "currency": "where the export names none",
    "date_order": "how the export writes dates",
    "decimal_mark": "how it writes amounts",
    "prices_include_tax": "whether the till's prices include the tax",
}


def config_text(store: StoreAnswers, api_url: str, alerts: str, source: str) -> str:
    """Return the whole config; ``alerts`` and ``source`` are tables as text."""
    api = f"api_url = {toml(api_url)}\n" if api_url else ""
    address = "".join(f"{name} = {toml(store.address[name])}\n" for name in FIELDS if store.address.get(name))
    return f"""# syncd's configuration, written by syncd init. Every key with its default: syncd config example. What is in effect:
# syncd config show --all. After a change: syncd check, then systemctl reload syncd (or a restart).

[ledger]
url = "sqlite:///ledger.db"          # knows every sale; back it up: syncd ledger backup FOLDER

[web]
listen = "127.0.0.1:8788"            # the page, on this machine alone

{alerts}
[stores.main]                        # {store.name}, {store.currency}
store_hash = {toml(store.store_hash)}
token = {{ file = "bigcommerce-token" }}
{api}# channel_id = 1                    # the channel that orders belong to
# unknown_sku = "custom"            # a SKU that the catalog does not have: "custom" line, or "reject" the sale
# stock = "bigcommerce"             # "elsewhere" where the till or an app sets stock in BigCommerce: else sales count twice
# customers = "match"               # by e-mail, else by phone; "create" those that the store lacks; or "guest"

[stores.main.default_address]        # of customers who give none: BigCommerce takes no order without an address
{address}
{source}"""


def alerts_text(file: str) -> str:
    """Return the table of alerts; without a file nobody is mailed yet."""
    urls = (
        f"urls = [{{ file = {toml(file)} }}]       # who is mailed; try it: syncd alerts test\n"
        if file
        else '# urls = [{ file = "alert-url" }]    # who is mailed, as apprise has it: mailtos://, slack://, ntfy://, ...\n'
    )
    return f'[alerts]\n{urls}# heartbeat = {{ env = "HEARTBEAT_URL" }}   # pinged each minute while all is well\n'


def source_text(answers: SourceAnswers, store: str = "") -> str:
    """Return a source's table, its secrets by the files that hold them."""
    table = with_secrets(answers, lambda key, _: {"file": secret_file(answers.name, key)})
    lines = [_line(name, value, answers.unsure.get(name, "")) for name, value in table.items()]
    lines += [_line("store", store, "")] if store else []
    return f"[sources.{answers.name}]\n{''.join(lines)}"


def secret_file(source: str, key: str) -> str:
    """Return the name of the file that holds a source's secret."""
    return f"{source}-{key.replace('.', '-').replace('_', '-')}"


def _line(name: str, value: object, unsure: str) -> str:
    says = f"not sure: {unsure}" if unsure else _SAYS.get(name, "")
    line = f"{name} = {toml(value)}"
    return f"{line:<36} # {says}\n" if says else f"{line}\n"


def program() -> Path:
    """Return the path of the ``syncd`` that runs."""
    own = Path(sys.argv[0]).absolute()
    return own if own.name == "syncd" else Path(sys.executable).with_name("syncd")


def unit_text(folder: Path, token_file: Path) -> str:
    """Return a systemd unit for this folder and this program."""
    user = os.environ.get("SUDO_USER") or os.environ.get("USER") or "root"
    return f"""# sudo cp {shlex.quote(str(folder / "syncd.service"))} /etc/systemd/system/
# sudo systemctl daemon-reload && sudo systemctl enable --now syncd
# deploy/syncd.service in the program's repository is the hardened one, with the config under /etc and a user of its own.
[Unit]
Description=Carries in-store sales into BigCommerce
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={_unit(program())} run --config {_unit(folder / "syncd.toml")}
ExecReload=/bin/kill -HUP $MAINPID
User={user}
WorkingDirectory={str(folder).replace("%", "%%")}
Restart=always
RestartSec=5
# A wrong config does not get better by trying again.
RestartPreventExitStatus=2
WatchdogSec=60
TimeoutStopSec=60
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=strict
ReadWritePaths={_unit(folder)}
ReadOnlyPaths={_unit(token_file)}

[Install]
WantedBy=multi-user.target
"""


def _unit(path: Path) -> str:
    """Return a path as a word of a unit (systemd.syntax(7)): quoted, its specifiers and variables written twice."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if any(char in text for char in " '\"\t;") else text


def compose_text(folder: Path) -> str:
    """Return a compose file for this folder; the image is built from the program's repository."""
    where, config = (_compose(text) for text in (str(folder), str(folder / "syncd.toml")))
    mount = json.dumps({"type": "bind", "source": str(folder), "target": str(folder)}).replace("$", "$$")
    return f"""# docker compose -f {shlex.quote(str(folder / "compose.yaml"))} up -d
# (first, in the program's repository: docker build -t syncd:latest .)
services:
  syncd:
    image: syncd:latest
    restart: unless-stopped
    read_only: true
    user: "{os.getuid()}:{os.getgid()}"
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    tmpfs: ["/tmp:size=256m,mode=1777"]
    stop_grace_period: 60s
    working_dir: {where}
    command: ["run", "--config", {config}]
    environment:
      SYNCD_CONFIG: {config}
      SYNCD_WEB__LISTEN: 0.0.0.0:8788
      SYNCD_WEB__URL: http://localhost:8788
    ports: ["127.0.0.1:8788:8788"]
    volumes: [{mount}]
"""


def _compose(text: str) -> str:
    """Return a text as compose takes it: quoted, its variables written twice."""
    return json.dumps(text).replace("$", "$$")


def agent_text(folder: Path) -> str:
    """Return a launch agent of macOS for this folder (launchd.plist(5))."""
    agent = {
        "Label": "com.syncd.daemon",
        "ProgramArguments": [str(program()), "run", "--config", str(folder / "syncd.toml")],
        "WorkingDirectory": str(folder),
        "KeepAlive": {"SuccessfulExit": False},
        "RunAtLoad": True,
        "ThrottleInterval": 30,
        "StandardErrorPath": str(folder / "syncd.log"),
        "Umask": 0o077,
    }
    return plistlib.dumps(agent).decode()


def write_over(path: Path, text: str, mode: int) -> None:
    """Write a file, in place of what may be there, whole or not at all."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(part).chmod(mode)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
