using System.Globalization;

namespace Esper.Graph;

/// <summary>Wide residual network with pre-activation (Zagoruyko and Komodakis 2016): three groups of (depth - 4) / 6 blocks.</summary>
internal static class WideResNetPreset
{
    /// <param name="name">Specification in canonical form.</param>
    /// <param name="input">Images.</param>
    /// <param name="depth">Layers that a path passes, 6 n + 4.</param>
    /// <param name="width">Channels of the first group, which later groups double; 16 for factor 1. The stem has 16 always.</param>
    /// <param name="labelSmoothing">Share of the target spread over all classes.</param>
    public static HostPreset Create(string name, ImageInput input, int depth, int width, double labelSmoothing)
    {
        string factor = (width / 16m).ToString("0.####", CultureInfo.InvariantCulture);
        if (depth < 10 || (depth - 4) % 6 != 0)
        {
            int nearest = Math.Max(10, (int)(Math.Round((depth - 4) / 6.0) * 6) + 4);
            throw new GraphException(
                $"host '{name}': depth {depth} is not 6 n + 4 with n of 1 or more. Did you mean 'wrn-{nearest}-{factor}'?");
        }

        GraphBuilder builder = new();
        string x = Classifier.Begin(builder, input);
        x = builder.Conv(x, 16, kernel: 3, padding: 1, bias: false, name: "stem");
        int blocks = (depth - 4) / 6;
        for (int block = 0; block < 3 * blocks; block++)
        {
            int group = block / blocks;
            using (builder.Scope($"block{block + 1}"))
            {
                int stride = group > 0 && block % blocks == 0 ? 2 : 1;
                x = Block(builder, x, width << group, stride);
            }
        }

        using (builder.Scope("head"))
        {
            x = builder.Relu(builder.BatchNorm(x));
        }

        HostGraph graph = Classifier.End(builder, Classifier.Average(builder, x), input, labelSmoothing);
        return new HostPreset(
            name,
            graph,
            ["block*.out"],
            $"Wide residual network with pre-activation, depth {depth}, width factor {factor}.",
            HostTask.ImageClassification);
    }

    private static string Block(GraphBuilder builder, string x, int width, int stride)
    {
        string active = builder.Relu(builder.BatchNorm(x, name: "bn1"), name: "relu1");
        string shortcut = stride != 1 || builder.TypeOf(x).Shape[1] != width
            ? builder.Conv(active, width, kernel: 1, stride, bias: false, name: "shortcut")
            : x;
        string branch = builder.Conv(active, width, kernel: 3, stride, padding: 1, bias: false, name: "conv1");
        branch = builder.Relu(builder.BatchNorm(branch, name: "bn2"), name: "relu2");
        branch = builder.Conv(branch, width, kernel: 3, padding: 1, bias: false, name: "conv2");

        // The branch comes first, so that its weight is the one found as the join's producer.
        return builder.Add(branch, shortcut, name: "out");
    }
}
