"""What can be done to the catalog: one module per noun, the rules of each operation inside.

Views hold no rules. A service checks, stores in one transaction, and announces last.
"""
