"""What ``syncd init`` writes: the config with a word on every key, and the file that keeps syncd running."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncd.cli.guess import toml

_SAYS = {
    "path": "the drop folder: put exports here; read files move on into processed/",
    "preset": "whose export it is",
    "timezone": "for times that name no zone",
    "currency": "where the export names none",
    "date_order": "how the export writes dates",
    "decimal_mark": "how it writes amounts",
    "token": "kept in a file of its own, which only its owner may read",
    "prices_include_tax": "whether the till's prices hold the tax",
}
_FIELDS = ("street_1", "city", "state", "zip", "country_iso2")


@dataclass(slots=True)
class Answers:
    """What was asked, as it goes into the config."""

    store_hash: str = ""
    store_name: str = ""
    currency: str = ""
    api_url: str = ""
    token_file: Path = Path("bigcommerce-token")
    address: dict[str, str] = field(default_factory=dict)
    email: str = ""
    source: str = "till"
    table: dict[str, Any] = field(default_factory=dict)
    unsure: Mapping[str, str] = field(default_factory=dict)
    asked: int = 0


def config_text(answers: Answers) -> str:
    """Return the whole config."""
    api = f'api_url = "{answers.api_url}"\n' if answers.api_url else ""
    address = "".join(f"{name} = {toml(answers.address[name])}\n" for name in _FIELDS if answers.address.get(name))
    email = f"email = {toml(answers.email)}\n" if answers.email else ""
    source = "".join(_line(name, value, answers.unsure.get(name, "")) for name, value in answers.table.items())
    return f"""# syncd's configuration, written by syncd init. config/syncd.toml in the program's repository shows every key, and
# syncd config show --all what holds. After a change: syncd check, then systemctl reload syncd (or a restart).

[ledger]
url = "sqlite:///ledger.db"          # knows every sale; back it up: syncd ledger backup FOLDER

[web]
listen = "127.0.0.1:8788"            # the page, on this machine alone

# [alerts]
# urls = [{{ env = "ALERT_URL" }}]     # who is told when something ails, as apprise has it: mailtos://, slack://, ntfy://, ...
# heartbeat = {{ env = "HEARTBEAT_URL" }}   # pinged each minute while all is well

[stores.main]                        # {answers.store_name}, {answers.currency}
store_hash = "{answers.store_hash}"
token = {{ file = {toml(str(answers.token_file))} }}
{api}# channel_id = 1                    # the channel that orders belong to
# unknown_sku = "custom"            # a SKU that the catalog does not have: "custom" line, or "reject" the sale
# stock = "bigcommerce"             # "elsewhere" where the till or an app sets stock in BigCommerce: else sales count twice
# customers = "match"               # by e-mail, else by phone; "create" those that the store lacks; or "guest"

[stores.main.default_address]        # of walk-ins: BigCommerce takes no order without an address
{address}{email}
[sources.{answers.source}]
{source}"""


def _line(name: str, value: object, unsure: str) -> str:
    says = f"not sure: {unsure}" if unsure else _SAYS.get(name, "")
    line = f"{name} = {toml(value)}"
    return f"{line:<36} # {says}\n" if says else f"{line}\n"


def unit_text(folder: Path, token_file: Path) -> str:
    """Return a systemd unit for this folder and this program."""
    program = (
        Path(sys.argv[0]).absolute() if Path(sys.argv[0]).name == "syncd" else Path(sys.executable).with_name("syncd")
    )
    user = os.environ.get("SUDO_USER") or os.environ.get("USER") or "root"
    return f"""# sudo cp {folder}/syncd.service /etc/systemd/system/
# sudo systemctl daemon-reload && sudo systemctl enable --now syncd
# deploy/syncd.service in the program's repository is the hardened one, with the config under /etc and a user of its own.
[Unit]
Description=Carries in-store sales into BigCommerce
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={program} run --config {folder}/syncd.toml
ExecReload=/bin/kill -HUP $MAINPID
User={user}
WorkingDirectory={folder}
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
ReadWritePaths={folder}
ReadOnlyPaths={token_file}

[Install]
WantedBy=multi-user.target
"""


def compose_text(folder: Path) -> str:
    """Return a compose file for this folder; the image is built from the program's repository."""
    return f"""# docker compose -f {folder}/compose.yaml up -d      (first: docker build -t syncd:latest <the program's repository>)
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
    working_dir: {folder}
    command: ["run", "--config", "{folder}/syncd.toml"]
    environment:
      SYNCD_CONFIG: {folder}/syncd.toml
      SYNCD_WEB__LISTEN: 0.0.0.0:8788
      SYNCD_WEB__URL: http://localhost:8788
    ports: ["127.0.0.1:8788:8788"]
    volumes: ["{folder}:{folder}"]
"""


def write_new(path: Path, text: str, mode: int) -> None:
    """Write a file that must not be there yet, whole or not at all.

    Raises:
        FileExistsError: it is there.

    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
