// A terminal whose whole window is one view, drawn over in place. Given back as it was: what stood there before, the cursor, the
// keyboard; also when the process is ended by a signal that is caught, or by a fault.

/** What of process.stdout it takes. */
export interface Output {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  removeListener(event: 'resize', listener: () => void): unknown;
}

/** What of process.stdin it takes. */
export interface Keyboard {
  setRawMode(raw: boolean): unknown;
  on(event: 'data', listener: (octets: Uint8Array) => void): unknown;
  removeListener(event: 'data', listener: (octets: Uint8Array) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** xterm's other screen, no cursor, and no going on in the next line: the terminal cuts what is too wide, and knows best how wide it is. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_TO_END_OF_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

const CTRL_C = '\x03';

export interface ScreenOptions {
  readonly output: Output;
  /** Undefined: there is none, and signals alone end the view. */
  readonly keyboard: Keyboard | undefined;
  /** `q` or Ctrl-C, which is a key like any other here. */
  readonly onQuit: () => void;
}

/** The lines of a window of this size. */
export type View = (size: Pick<Output, 'rows' | 'columns'>) => readonly string[];

export class Screen {
  private view: View = () => [];

  private constructor(private readonly options: ScreenOptions) {}

  static open(options: ScreenOptions): Screen {
    const screen = new Screen(options);
    const { output, keyboard } = options;
    output.write(ENTER);
    output.on('resize', screen.redraw);
    keyboard?.setRawMode(true);
    keyboard?.on('data', screen.pressed);
    keyboard?.resume();
    process.on('exit', screen.close);
    return screen;
  }

  /** `view` is asked again whenever the window has another size. More lines than it has rows are cut. */
  show(view: View): void {
    this.view = view;
    this.redraw();
  }

  readonly close = (): void => {
    const { output, keyboard } = this.options;
    process.removeListener('exit', this.close);
    output.removeListener('resize', this.redraw);
    keyboard?.removeListener('data', this.pressed);
    keyboard?.setRawMode(false);
    keyboard?.pause();
    output.write(LEAVE);
  };

  private readonly redraw = (): void => {
    const { output } = this.options;
    const lines = this.view(output).slice(0, output.rows);
    const text = lines.map((line) => line + CLEAR_TO_END_OF_LINE).join('\r\n');
    output.write(`${HOME}${text}${CLEAR_BELOW}`);
  };

  private readonly pressed = (octets: Uint8Array): void => {
    const keys = new TextDecoder().decode(octets);
    if (keys.includes('q') || keys.includes(CTRL_C)) this.options.onQuit();
  };
}
