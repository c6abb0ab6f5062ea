"""From what is known of a run or a sweep to what a report says of it."""

from thermo_cli.reports.comparison_document import comparison_document
from thermo_cli.reports.document import Document, Head, Listing, Section
from thermo_cli.reports.run_document import run_document
from thermo_cli.reports.shared_sections import gate_answer
from thermo_cli.reports.sweep_document import sweep_document
from thermo_cli.reports.sweep_view import ComparisonView, SweepView, View
from thermo_cli.reports.view import RunView, Unjudged


def document_of(view: View) -> Document:
    """Say all there is to say."""
    if isinstance(view, RunView):
        return run_document(view)
    if isinstance(view, ComparisonView):
        return comparison_document(view)
    return sweep_document(view) if isinstance(view, SweepView) else _unjudged(view)


def _unjudged(view: Unjudged) -> Document:
    """Say why nothing can be said."""
    gate = gate_answer(view.gate) if view.gate.required else None
    reason = Section("reason", "Why", (Listing("Reason", view.reason),), first=True)
    return Document(Head(view.title, "not judged", "diverged", gate=gate), (reason,))
