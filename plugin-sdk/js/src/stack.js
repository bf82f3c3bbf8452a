// An error as its author can use it: message, causes, and the places in the files
// that the author wrote.

// Told on the way out. The engine writes what it catches to standard error, and the
// host puts that into the attempt's failure.
export function told(error) {
  return error;
}
