"""How nodes are shown: as text, as HTML in notebooks, and as trees."""
