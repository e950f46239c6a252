"""What the writers that block and those for asyncio have in common."""
