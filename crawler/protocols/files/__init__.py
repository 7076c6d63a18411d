"""Policy files: ai.txt (Spawning, announced 2023-05-30) and trust.txt (JournalList, 2024-04-04)."""
