"""The notebook of experiments/ runs from its first cell to its last, and says what the study says."""

import shutil

import nbclient
import nbformat

from tests.conftest import ROOT


def test_the_notebook_runs(tmp_path, monkeypatch):
    """Executed in a kernel of its own beside a copy of the claims; the margin of a thousandth breaks what the default holds."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    shutil.copytree(ROOT / "experiments" / "claims", tmp_path / "claims")
    notebook = nbformat.read(ROOT / "experiments" / "one-claim.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "kept without outputs: they are the reader's own"
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    told = [str(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]
    assert "crystallized" in told[0]
    assert "glassy" in told[3]
    assert "text/html" in told[4]
