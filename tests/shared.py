"""Material that lies beside the project and not in it: real POS files, BigCommerce's OpenAPI descriptions."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("SYNCD_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SAMPLES = SHARED / "pos-samples"
CASES = SHARED / "cases"
OPENAPI = SHARED / "bigcommerce" / "openapi"

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the POS samples are not beside the project")
needs_openapi = pytest.mark.skipif(not OPENAPI.is_dir(), reason="the OpenAPI files are not beside the project")
