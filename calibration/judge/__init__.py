"""What a solved camera is judged by: how it is drawn over the plate, what is said and plotted of it."""
