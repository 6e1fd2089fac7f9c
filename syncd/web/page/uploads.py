"""Uploading an export: drop a file, see what would become of its sales, then send it or throw it away."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from syncd.errors import SourceError, SyncdError, UsageError
from syncd.logs import get_logger
from syncd.presentation.uploads import becomes, preview_export
from syncd.service.job_names import poll_job
from syncd.source_runner import SourceRunner
from syncd.sources import ReadsFiles, Watching
from syncd.sources.uploads import Upload, discard_upload, find_upload, keep_upload, send_upload
from syncd.web.page.actions import said
from syncd.web.page.context import PageContext
from syncd.web.page.flash import FlashMessage
from syncd.web.page.request import HtmlPage, PageRequest, PageResult, Redirect

_SHOWN, _FAULTS_SHOWN = 40, 20
_KEPT = timedelta(minutes=1)
_GONE = "This upload was sent or thrown away. Upload the file again to see its preview."


def folder_for_uploads(till: SourceRunner | None) -> Path | None:
    """Return the folder of a source that takes files; None where it takes none, or this machine cannot write there."""
    if till is None:
        return None
    try:
        source = till.source
    except SyncdError:
        return None  # the source's own page says why it cannot be built
    if not isinstance(source, ReadsFiles) or not isinstance(source, Watching):
        return None
    folder = source.watched().path
    return folder if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) else None


def take(context: PageContext, request: PageRequest) -> PageResult:
    """Keep an export that somebody uploads, and lead to its preview."""
    name = str(request.named.get("name"))
    till = context.app.tills.get(name)
    folder = folder_for_uploads(till)
    if till is None or folder is None:
        return HtmlPage("nothing.html", {"what": f"No file can be uploaded for {name}."}, 404)
    if request.upload is None or not request.upload.content:
        raise UsageError("no file was chosen, or it is empty", "Choose an export of your POS, and upload it again.")
    upload = keep_upload(folder, request.upload.name, request.upload.content, context.app.clock)
    source = till.source
    if not isinstance(source, ReadsFiles) or not source.reads(upload.path):
        discard_upload(upload)
        cure = f"Its type is {till.config.common.type}: choose an export of that kind."
        raise UsageError(f"{name} does not read {upload.path.name}", cure)
    size = len(request.upload.content)
    get_logger().info("export_uploaded", source=name, file=upload.path.name, bytes=size, by=request.actor)
    return Redirect(f"/sources/{quote(name)}/uploads/{upload.token}")


def preview(context: PageContext, request: PageRequest) -> PageResult:
    """Show what would become of an export that was uploaded."""
    till, folder, upload = _found(context, request)
    if till is None or folder is None or upload is None:
        return HtmlPage("nothing.html", {"what": _GONE}, 404)
    wrong, found = "", None
    try:
        found = context.kept.get(
            ("upload", upload.token), _KEPT, lambda: preview_export(context.app, till, upload.path)
        )
    except SourceError as error:
        wrong = f"{error.what}. {error.cure}"
    values = {
        "source": till.name,
        "name": upload.path.name,
        "token": upload.token,
        "found": found,
        "wrong": wrong,
        "rows": [(one, becomes(one)) for one in found.previews[:_SHOWN]] if found is not None else [],
        "faults": found.faults[:_FAULTS_SHOWN] if found is not None else [],
    }
    return HtmlPage("upload.html", values)


def decide(context: PageContext, request: PageRequest) -> PageResult:
    """Send an export that was uploaded, or throw it away."""
    till, folder, upload = _found(context, request)
    if till is None or folder is None or upload is None:
        return HtmlPage("nothing.html", {"what": _GONE}, 404)
    back = f"/sources/{quote(till.name)}"
    if request.first("do") != "send":
        discard_upload(upload)
        return said(context, back, FlashMessage(f"{upload.path.name} was thrown away; nothing of it was sent."))
    sent = send_upload(folder, upload)
    if sent is None:
        return HtmlPage("nothing.html", {"what": _GONE}, 404)
    get_logger().info("export_sent", source=till.name, file=sent.name, by=request.actor)
    context.operations.run_now(poll_job(till.name))
    return said(
        context,
        f"/sales?source={quote(till.name)}",
        FlashMessage(f"{sent.name} is being read: its sales come in a moment."),
    )


def _found(context: PageContext, request: PageRequest) -> tuple[SourceRunner | None, Path | None, Upload | None]:
    till = context.app.tills.get(str(request.named.get("name")))
    folder = folder_for_uploads(till)
    upload = find_upload(folder, str(request.named.get("token"))) if folder is not None else None
    return till, folder, upload
