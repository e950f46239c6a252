"""What live plots show: the newest content of nodes, in bounded memory."""
