using System.Globalization;
using System.Text;

namespace Esper.Graph;

/// <summary>Shows a graph to people.</summary>
public static class GraphText
{
    private static readonly string[] Header = ["node", "operator", "output", "parameters", "FLOPs"];

    /// <summary>
    /// A table with one line a node (name, operator, shape of the first output, trained parameters, forward FLOPs an example) and the
    /// totals below. Lines end in a line feed.
    /// </summary>
    /// <exception cref="GraphException">Shapes do not fit.</exception>
    public static string Render(HostGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        GraphShapes shapes = ShapeInference.Infer(graph);
        GraphCost cost = GraphCost.Of(graph);
        List<string[]> rows = [Header];
        rows.AddRange(graph.Inputs.Select(i => new[] { i.Name, "input", Type(shapes[i.Name]), "", "" }));
        rows.AddRange(graph.Nodes.Zip(cost.Nodes, (node, price) => new[]
        {
            node.Name, node.QualifiedOp, Type(shapes[node.Outputs[0]]), Number(price.Parameters), Number(price.Flops),
        }));
        rows.Add(["total", "", "", Number(cost.Parameters), Number(cost.ForwardFlops)]);
        int[] widths = [.. Enumerable.Range(0, Header.Length).Select(column => rows.Max(row => row[column].Length))];
        StringBuilder text = new();
        for (int i = 0; i < rows.Count; i++)
        {
            if (i == 1 || i == rows.Count - 1)
            {
                text.Append('-', widths.Sum() + (2 * (widths.Length - 1))).Append('\n');
            }

            // Numbers to the right, names to the left.
            IEnumerable<string> cells = rows[i].Select((cell, c) => c >= 3 ? cell.PadLeft(widths[c]) : cell.PadRight(widths[c]));
            text.Append(string.Join("  ", cells).TrimEnd()).Append('\n');
        }

        text.Append(CultureInfo.InvariantCulture, $"buffers {cost.Buffers:N0}; training takes {cost.TrainFlops:N0} FLOPs an example\n");
        return text.ToString();
    }

    private static string Type(TensorType type) =>
        type.ElementType == ElementType.Float32 ? type.Shape.ToString() : type.ToString();

    private static string Number(long value) => value == 0 ? "" : value.ToString("N0", CultureInfo.InvariantCulture);
}
