"""The site: `make docs` builds it into docs/_build/html; nothing of it needs a network."""

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "landscape-cli"
release = importlib.metadata.version("landscape-cli")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "landscape_site"]
exclude_patterns = ["_build", "gallery", "notebooks", "lectures/*.yaml"]

myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 2
default_role = "code"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80
highlight_language = "session"

html_theme = "furo"
html_title = "landscape-cli"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
