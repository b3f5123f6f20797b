"""Starting all of Anneal on one machine: the embedded server, its database, the web server, a worker, and who looks after them."""
