"""Write the frames of producers: in order for each node, many at a time, each once."""
