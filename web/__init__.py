"""The web page: browse, look at data, and watch streams live."""
