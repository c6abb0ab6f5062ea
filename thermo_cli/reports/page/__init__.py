"""The parts of the HTML page: templates, style sheet, script, and what the templates say."""
