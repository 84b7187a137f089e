// placeholder so that the library has a source until the first decoder lands
