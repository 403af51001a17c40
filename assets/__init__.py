"""What is added to the plate: people, sets, and the models that paint them."""
