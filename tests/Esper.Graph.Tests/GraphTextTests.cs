namespace Esper.Graph.Tests;

public sealed class GraphTextTests
{
    [Fact]
    public void Shows_nodes_shapes_parameters_flops_and_totals()
    {
        HostGraph graph = HostPresets.Create("mlp:8", new ImageInput(1, 2, 3, 2)).Graph;
        string expected = string.Join('\n',
            "node        operator                 output           parameters  FLOPs",
            "-----------------------------------------------------------------------",
            "images      input                    [N, 1, 2, 3]",
            "labels      input                    Int64[N]",
            "flatten     Flatten                  [N, 6]",
            "block1.fc   Gemm                     [N, 8]                   56    104",
            "block1.out  Relu                     [N, 8]                            8",
            "logits      Gemm                     [N, 2]                   18     34",
            "loss        SoftmaxCrossEntropyLoss  []                              10",
            "-----------------------------------------------------------------------",
            "total                                                         74    156",
            "buffers 0; training takes 468 FLOPs an example",
            "");
        Assert.Equal(Squeezed(expected), Squeezed(GraphText.Render(graph)));
    }

    [Fact]
    public void Columns_line_up()
    {
        string[] lines = GraphText.Render(TestGraphs.Preset("wrn-16-1").Graph).Split('\n');
        int end = lines[0].Length;
        Assert.EndsWith("FLOPs", lines[0], StringComparison.Ordinal);
        Assert.Equal(new string('-', end), lines[1]);
        Assert.All(lines.Where(l => l.Contains(" Conv ", StringComparison.Ordinal)), l => Assert.Equal(end, l.Length));
        Assert.Contains(lines, l => l.StartsWith("total", StringComparison.Ordinal) && l.Contains(" 175,066 ", StringComparison.Ordinal));
    }

    // Column widths are the other test's matter.
    private static string Squeezed(string text) =>
        System.Text.RegularExpressions.Regex.Replace(text, " +|-+", m => m.Value[..1]);
}
