"""Stage 2: from encoded files and arrays to uint8 RGB pixels; what is lost on the way is counted."""
