"""The service curriculum: what each member has learned, learns now and will learn."""
