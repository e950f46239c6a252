"""Operations on the catalog: one module per noun, with the rules of each operation.

Views hold no rules. A service checks, stores in one transaction, and announces last.
"""
