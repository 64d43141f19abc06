using Spectre.Console;
using Spectre.Console.Rendering;

namespace Esper.Cli.Display;

/// <summary>
/// Lines at the bottom of a terminal that are written over in place. Spectre's own live display needs a call that lasts
/// as long as the display; this one is driven from outside, a frame a call.
/// </summary>
internal sealed class LiveRegion(IAnsiConsole console)
{
    private const string EraseToEndOfLine = "\u001b[K";
    private const string EraseBelow = "\u001b[J";
    private const string HideCursor = "\u001b[?25l";
    private const string ShowCursor = "\u001b[?25h";

    private int _shown;

    /// <summary>Puts lines in the place of those shown before. No line may be wider than the terminal.</summary>
    public void Show(IReadOnlyList<StyledLine> lines)
    {
        List<Segment> frame = [Segment.Control(HideCursor)];
        if (_shown > 1)
        {
            frame.Add(Segment.Control($"\u001b[{_shown - 1}A"));
        }

        frame.Add(Segment.Control("\r"));
        for (int i = 0; i < lines.Count; i++)
        {
            frame.AddRange(lines[i].Segments);
            frame.Add(Segment.Control(EraseToEndOfLine));
            if (i < lines.Count - 1)
            {
                frame.Add(Segment.LineBreak);
            }
        }

        frame.Add(Segment.Control(EraseBelow));
        console.Write(new RawSegments(frame));
        _shown = lines.Count;
    }

    /// <summary>Leaves the last frame standing, with the cursor below it.</summary>
    public void Finish()
    {
        if (_shown > 0)
        {
            console.Write(new RawSegments([Segment.LineBreak, Segment.Control(ShowCursor)]));
            _shown = 0;
        }
    }
}
