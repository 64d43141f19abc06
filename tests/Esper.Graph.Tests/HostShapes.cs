namespace Esper.Graph.Tests;

/// <summary>Networks in the form in which exporters write them: biases, scales and attention as operators of their own.</summary>
internal static class HostShapes
{
    private const long N = -1;

    /// <summary>Residual network: a stem, then two stages of two blocks; the first block of the second one has a projection.</summary>
    public static HostGraph Residual()
    {
        GraphBuilder b = new();
        string x = b.Input("images", ElementType.Float32, TensorShape.Of(N, 3, 16, 16));
        x = b.MaxPool(b.Relu(b.BatchNorm(b.Conv(x, 8, 3, padding: 1, bias: false, name: "stem.conv"), name: "stem.bn"), "stem.relu"), 2, name: "stem");
        (int Width, int Stride)[] blocks = [(8, 1), (8, 1), (12, 2), (12, 1)];
        for (int i = 0; i < blocks.Length; i++)
        {
            (int width, int stride) = blocks[i];
            using (b.Scope($"block{i + 1}"))
            {
                string branch = b.Relu(b.BatchNorm(b.Conv(x, width, 3, stride, 1, bias: false, name: "conv1"), name: "bn1"), "relu1");
                branch = b.BatchNorm(b.Conv(branch, width, 3, 1, 1, bias: false, name: "conv2"), name: "bn2");
                string shortcut = stride == 1 ? x : b.BatchNorm(b.Conv(x, width, 1, stride, bias: false, name: "down"), name: "bn3");
                x = b.Relu(b.Add(branch, shortcut, "join"), "out");
            }
        }

        string logits = b.Linear(b.Flatten(b.GlobalAveragePool(x)), 5, name: "logits");
        return Classifier(b, logits);
    }

    /// <summary>
    /// Transformer encoder with everything spelled out: embeddings of tokens, segments and positions, two blocks whose shortcut comes
    /// first, attention over a mask that is an input, GELU by its polynomial. One head, so that scores are [N, T, T].
    /// </summary>
    public static HostGraph Transformer(int layers = 2, int width = 6, int context = 5)
    {
        GraphBuilder b = new();
        string ids = b.Input("tokens", ElementType.Int64, [Dimension.Batch, context]);
        string segments = b.Input("segments", ElementType.Int64, [Dimension.Batch, context]);
        string mask = b.Input("mask", ElementType.Float32, [Dimension.Batch, 1, context]);
        Initializer weights = Initializer.Normal(0.3);
        string x = b.Add(b.Embedding(ids, 7, width, weights, "token"), b.Embedding(segments, 2, width, weights, "segment"), "sum");
        x = b.Add(x, b.Parameter("position", [context, width], weights, ParameterRole.Embedding), "embedded");
        string bias = b.Mul(mask, b.Constant("minus", [1], [-10f]), "bias");
        for (int i = 0; i < layers; i++)
        {
            using (b.Scope($"layer{i + 1}"))
            {
                x = b.Add(x, Attention(b, b.LayerNorm(x, name: "ln1"), bias, width), "mid");
                string hidden = PolynomialGelu(b, b.Project(b.LayerNorm(x, name: "ln2"), 2 * width, weights, name: "expand"));
                x = b.Add(x, b.Project(hidden, width, weights, name: "shrink"), "out");
            }
        }

        string first = b.Gather(b.LayerNorm(x, name: "ln"), b.Constant(Constant.OfIntegers("first", TensorShape.Scalar, [0])), axis: 1, "pooled");
        return Classifier(b, b.Linear(first, 5, name: "logits"));
    }

    /// <summary>Encoder and decoder whose skips are concatenated: no joins, and below the first skip no value that all passes.</summary>
    public static HostGraph Skips()
    {
        GraphBuilder b = new();
        string x = b.Input("images", ElementType.Float32, TensorShape.Of(N, 2, 8, 8));
        string wide = b.Relu(b.Conv(x, 6, 3, padding: 1, name: "down1"), "wide");
        string narrow = b.Relu(b.Conv(b.MaxPool(wide, 2, name: "halve"), 10, 3, padding: 1, name: "down2"), "narrow");
        string same = b.Relu(b.Conv(wide, 4, 1, name: "lateral"), "same");
        string pooled = b.MaxPool(same, 2, name: "pooled");
        string joined = b.Apply("Concat", "joined", [narrow, pooled], NodeAttributes.Of(("axis", 1L)));
        return Classifier(b, b.Linear(b.Flatten(b.Conv(joined, 3, 1, name: "last")), 5, name: "logits"));
    }

    /// <summary>x sigma(x) and the like by operators, with a sum of two values of one shape and one origin that is no join.</summary>
    public static string PolynomialGelu(GraphBuilder b, string x)
    {
        string cube = b.Mul(b.Mul(x, x, "square"), x, "cube");
        string inner = b.Add(x, b.Mul(cube, Scalar(b, "c3", 0.044715f), "small"), "inner");
        string bend = b.Apply("Tanh", "bend", [b.Mul(inner, Scalar(b, "c1", 0.79788f), "scaled")]);
        return b.Mul(b.Mul(x, b.Add(bend, Scalar(b, "one", 1), "plus"), "product"), Scalar(b, "half", 0.5f), "gelu");
    }

    public static string Scalar(GraphBuilder b, string name, float value) => b.Constant(name, [], [value]);

    private static string Attention(GraphBuilder b, string x, string bias, int width)
    {
        Initializer weights = Initializer.Normal(0.3);
        string q = b.Project(x, width, weights, name: "q");
        string k = b.Transpose(b.Project(x, width, weights, name: "k"), [0, 2, 1], "kt");
        string v = b.Project(x, width, weights, name: "v");
        string scores = b.Add(b.Mul(b.MatMul(q, k, "qk"), Scalar(b, "scale", 0.4f), "scores"), bias, "masked");
        string mixed = b.MatMul(b.Apply("Softmax", "softmax", [scores], NodeAttributes.Of(("axis", -1L))), v, "mixed");
        return b.Project(mixed, width, weights, name: "mix");
    }

    private static HostGraph Classifier(GraphBuilder b, string logits)
    {
        b.Input("labels", ElementType.Int64, [Dimension.Batch]);
        return b.Build([logits], b.CrossEntropy(logits, "labels"), logits, "labels");
    }
}
