"""Live plots in notebooks: a widget that draws with the modules of the web page."""
