/** Where the engine listens: the first argument that is no option (`--logtostderr`, `-v=9`, `--tracing X` may come before it). */
export const engineAddress = (args: readonly string[]): string =>
  args.find((arg, index) => !arg.startsWith('-') && args[index - 1] !== '--tracing') ?? '';
