// What is printed for whoever reads it: a terminal, a file, or a program that may have read enough (`rollcall events | head`).

/** `end` is called, once or more, when nobody reads any more; the rest is lost, and no error. */
export function printer(
  stream: NodeJS.WritableStream = process.stdout,
  end: () => void = () => process.exit(),
): (text: string) => void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    end();
  });
  return (text) => void stream.write(text);
}
