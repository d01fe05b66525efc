"""Runs several jobs in one process that imports TensorFlow, to save its start; prints one JSON object of results.

Arguments: a JSON file of {name: job}. An error is {"error": "message | hint"}.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")

from tests.support.silent import Silent
from tinygen.errors import TinygenError
from tinygen.load.keras_job import Job
from tinygen.load.worker import run


def result_of(job: Job) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return run(job, Silent())
        except TinygenError as error:
            return {"error": f"{error} | {error.hint}"}
        finally:
            os.chdir("/")


jobs = json.loads(Path(sys.argv[1]).read_text())
print(json.dumps({name: result_of(Job.from_json(json.dumps(job))) for name, job in jobs.items()}))
