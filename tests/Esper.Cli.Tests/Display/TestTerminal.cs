using System.Text;
using Spectre.Console;

namespace Esper.Cli.Tests.Display;

/// <summary>
/// A console that writes into memory, and a reading of what a terminal would show of it: the few escapes that the display uses.
/// </summary>
internal sealed class TestTerminal
{
    private readonly StringBuilder _written = new();

    public TestTerminal(int width, int height, bool color = true, bool unicode = true)
    {
        Console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = color ? ColorSystemSupport.TrueColor : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(new StringWriter(_written)),
        });
        Console.Profile.Width = width;
        Console.Profile.Height = height;
        Console.Profile.Capabilities.Unicode = unicode;
    }

    public IAnsiConsole Console { get; }

    /// <summary>Everything written, escapes included.</summary>
    public string Raw => _written.ToString();

    /// <summary>What stands on an endless screen after everything written, lines without trailing blanks.</summary>
    public IReadOnlyList<string> Screen
    {
        get
        {
            List<StringBuilder> lines = [new()];
            int row = 0, column = 0;
            string text = Raw;
            for (int i = 0; i < text.Length; i++)
            {
                switch (text[i])
                {
                    case '\u001b':
                        int end = i + 2;
                        while (!char.IsAsciiLetter(text[end]))
                        {
                            end++;
                        }

                        Apply(text[(i + 2)..end], text[end], lines, ref row, column);
                        i = end;
                        break;
                    case '\r':
                        column = 0;
                        break;
                    case '\n':
                        row++;
                        column = 0;
                        while (lines.Count <= row)
                        {
                            lines.Add(new StringBuilder());
                        }

                        break;
                    default:
                        lines[row].Length = Math.Max(lines[row].Length, column + 1);
                        lines[row][column++] = text[i];
                        break;
                }
            }

            return [.. lines.Select(l => l.ToString().TrimEnd())];
        }
    }

    private static void Apply(string argument, char command, List<StringBuilder> lines, ref int row, int column)
    {
        switch (command)
        {
            case 'A':
                row -= int.Parse(argument, System.Globalization.CultureInfo.InvariantCulture);
                break;
            case 'K':
                lines[row].Length = Math.Min(lines[row].Length, column);
                break;
            case 'J':
                lines[row].Length = Math.Min(lines[row].Length, column);
                lines.RemoveRange(row + 1, lines.Count - row - 1);
                break;
            case 'm' or 'l' or 'h':
                break;
            default:
                throw new InvalidOperationException($"The display wrote an escape that this terminal does not know: {command}.");
        }
    }
}
