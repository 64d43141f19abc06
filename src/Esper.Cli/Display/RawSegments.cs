using Spectre.Console.Rendering;

namespace Esper.Cli.Display;

/// <summary>Segments as they are: laid out already, not to be wrapped or cut.</summary>
internal sealed class RawSegments(IReadOnlyList<Segment> segments) : IRenderable
{
    public Measurement Measure(RenderOptions options, int maxWidth) => new(0, maxWidth);

    public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => segments;
}
