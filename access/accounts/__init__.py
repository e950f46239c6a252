"""Accounts: users, their state, and whether their credentials still hold."""
