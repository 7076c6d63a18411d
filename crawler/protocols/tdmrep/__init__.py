"""TDM Reservation Protocol (W3C Community Group final report, 10 May 2024)."""
