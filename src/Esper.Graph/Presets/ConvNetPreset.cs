namespace Esper.Graph;

/// <summary>Plain convolutional network: blocks of 3x3 convolution, BatchNorm, ReLU and 2x2 max pooling, then a linear head.</summary>
internal static class ConvNetPreset
{
    public static HostPreset Create(string name, ImageInput input, int[] widths, double labelSmoothing)
    {
        int smallest = 1 << widths.Length;
        if (input.Height < smallest || input.Width < smallest)
        {
            throw new GraphException(
                $"host '{name}' halves images {widths.Length} times and needs {smallest}x{smallest} pixels or more, "
                + $"but the data are {input}; name fewer widths");
        }

        GraphBuilder builder = new();
        string x = Classifier.Begin(builder, input);
        for (int block = 0; block < widths.Length; block++)
        {
            using (builder.Scope($"block{block + 1}"))
            {
                x = builder.Conv(x, widths[block], kernel: 3, padding: 1, bias: false);
                x = builder.Relu(builder.BatchNorm(x));
                x = builder.MaxPool(x, kernel: 2, name: "out");
            }
        }

        HostGraph graph = Classifier.End(builder, Classifier.Average(builder, x), input, labelSmoothing);
        return new HostPreset(
            name,
            graph,
            ["block*.out"],
            $"Convolutional network of {widths.Length} blocks (3x3 convolution, BatchNorm, ReLU, 2x2 max pooling), widths "
            + $"{string.Join('-', widths)}.",
            HostTask.ImageClassification);
    }
}
