"""Writers for asyncio."""
