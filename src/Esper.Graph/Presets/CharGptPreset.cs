namespace Esper.Graph;

/// <summary>
/// Decoder-only transformer in the manner of GPT-2: learned positions, pre-norm blocks of causal attention and a GELU MLP four
/// times as wide, untied head. Weights start normal with deviation 0.02, those that write into the residual stream with
/// 0.02 / sqrt(2 layers); biases start at zero.
/// </summary>
internal static class CharGptPreset
{
    private const double Deviation = 0.02;

    public static HostPreset Create(string name, TextInput input, int[] sizes, double labelSmoothing)
    {
        (int layers, int width, int heads) = (sizes[0], sizes[1], sizes[2]);
        if (width % heads != 0)
        {
            throw new GraphException($"host '{name}': width {width} is not a multiple of {heads} heads");
        }

        GraphBuilder builder = new();
        string tokens = builder.Input("tokens", ElementType.Int64, [Dimension.Batch, input.Context]);
        builder.Input("labels", ElementType.Int64, [Dimension.Batch, input.Context]);
        Initializer weights = Initializer.Normal(Deviation);
        string embedded = builder.Embedding(tokens, input.Vocabulary, width, weights, "token");
        string positions = builder.Parameter("position.weight", [input.Context, width], weights, ParameterRole.Embedding);
        string x = builder.Add(embedded, positions, "embedding");
        for (int block = 0; block < layers; block++)
        {
            using (builder.Scope($"block{block + 1}"))
            {
                x = Block(builder, x, heads, residual: Initializer.Normal(Deviation / Math.Sqrt(2.0 * layers)));
            }
        }

        string head = builder.Project(builder.LayerNorm(x, name: "ln"), input.Vocabulary, weights, bias: false, name: "head");

        // ONNX keeps classes on axis 1: [N, T, V] -> [N, V, T], labels stay [N, T].
        string logits = builder.Transpose(head, [0, 2, 1], "logits");
        string loss = builder.CrossEntropy(logits, "labels", labelSmoothing);
        return new HostPreset(
            name,
            builder.Build([logits], loss, logits, "labels"),
            ["block*.out"],
            $"Decoder-only transformer, {layers} pre-norm blocks of width {width}, {heads} heads, context {input.Context}.",
            HostTask.NextToken);
    }

    private static string Block(GraphBuilder builder, string x, int heads, Initializer residual)
    {
        Initializer weights = Initializer.Normal(Deviation);
        int width = checked((int)builder.TypeOf(x).Shape[2].Size);
        string normed = builder.LayerNorm(x, name: "ln1");
        var qkv = builder.Split(builder.Project(normed, 3 * width, weights, name: "qkv"), parts: 3, axis: 2, name: "heads");
        string mixed = builder.Attention(qkv[0], qkv[1], qkv[2], heads, causal: true);

        // The branch comes before the stream it joins, so that its weight is the one found as the join's producer.
        x = builder.Add(builder.Project(mixed, width, residual, name: "mix"), x, name: "mid");
        string hidden = builder.Project(builder.LayerNorm(x, name: "ln2"), 4 * width, weights, name: "expand");
        return builder.Add(builder.Project(builder.Gelu(hidden), width, residual, name: "shrink"), x, name: "out");
    }
}
