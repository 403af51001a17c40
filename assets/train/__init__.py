"""How the model that ships was made: data, recipe, measurement."""
