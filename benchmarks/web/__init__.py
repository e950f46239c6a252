"""The live web page in Chromium, beside the server and a producer on the same processors."""
