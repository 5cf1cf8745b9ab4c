"""What nobody asks for and has to be done all the same: uploads that nobody goes on with."""

from __future__ import annotations

import time

import structlog
from django_tasks import task

from mutoscope.engines.services import Failure
from mutoscope.engines.tasks.queue.schedules import schedule
from mutoscope.platform.videos.models import Upload
from mutoscope.platform.videos.statements import fetch
from mutoscope.platform.videos.upload import files
from mutoscope.platform.videos.upload.service import EndUpload, EndUploadInputs, finish_if_whole

log = structlog.get_logger(__name__)

EXPIRED = "The upload was not finished in time. Send the file again."
# A file is made in the transaction that makes its row: one this old without a row has lost it.
WITHOUT_ROW_S = 3600.0


@schedule("41 * * * *", name="videos.sweep_uploads")
@task()
def sweep_uploads() -> int:
    """End uploads that have expired, and delete bytes that belong to none; how many went."""
    for (upload_id,) in fetch("upload", "whole", {}):
        upload = Upload.objects.get(pk=upload_id)
        finish_if_whole(upload, upload.offset_bytes)
    swept = 0
    for (upload_id,) in fetch("upload", "expired", {}):
        upload = Upload.objects.get(pk=upload_id)
        try:
            EndUpload().call(EndUploadInputs(upload, reason=EXPIRED))
        except Failure as failure:
            # Its owner came back this very moment, or cancelled it.
            log.info("upload not swept", action="sweep_upload", upload=upload_id, why=str(failure))
        else:
            swept += 1
    return swept + sweep_files(older_than_s=WITHOUT_ROW_S)


def sweep_files(older_than_s: float) -> int:
    """Delete bytes of uploads that have no row, or that ended without them being fetched; how many files went."""
    lying = {token: changed for token, changed in files.tokens() if time.time() - changed > older_than_s}
    # A complete upload's bytes are the original until the pipeline has fetched them.
    states = [Upload.State.OPEN, Upload.State.COMPLETE]
    wanted = Upload.objects.filter(token__in=lying, state__in=states).values_list("token", flat=True)
    unwanted = set(lying) - set(wanted)
    for token in unwanted:
        files.remove(token)
    return len(unwanted)
