"""What makes jails: the fork server, bubblewrap, Docker, another instance."""
