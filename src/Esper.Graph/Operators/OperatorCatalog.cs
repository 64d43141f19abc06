using System.Collections.Frozen;
using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Graph;

/// <summary>
/// The operators that host graphs may use: ONNX's (opset 23) under domain <c>""</c>, and Esper's Lattice. SoftmaxCrossEntropyLoss takes
/// one attribute more than ONNX's, label_smoothing; Attention takes no past keys and values and makes one output; Dropout makes no
/// mask; MaxPool gives no indices; ConstantOfShape takes its value as a real number <c>value</c> and its element type as <c>dtype</c>, since
/// attributes hold no tensors.
/// </summary>
public static partial class OperatorCatalog
{
    /// <summary>Domain of Esper's own operators.</summary>
    public const string EsperDomain = "esper";

    /// <summary>Esper's seed lattice: x -> x with the site's seeds applied.</summary>
    public const string Lattice = "Lattice";

    private static readonly FrozenDictionary<(string Domain, string Op), OperatorSchema> Schemas =
        All().ToFrozenDictionary(s => (s.Domain, s.Op));

    /// <summary>Names of all operators in alphabetical order, with their domain where it is not ONNX's: <c>esper.Lattice</c>.</summary>
    public static ImmutableArray<string> Names { get; } =
        [.. Schemas.Values.Select(s => s.Name).Order(StringComparer.Ordinal)];

    internal static OperatorSchema? Find(string domain, string op) => Schemas.GetValueOrDefault((domain, op));

    /// <summary>Why a node's operator is not in the catalog.</summary>
    internal static string Unknown(Node node) => node is { Domain: "", Op: "Compress" or "NonZero" or "Unique" }
        ? "the shape of its result depends on its input's content, which host graphs cannot hold"
        : $"unknown operator. {Suggestion.Phrase(node.QualifiedOp, Names)}";

    private static IEnumerable<OperatorSchema> All() =>
        [
            .. Elementwise(), .. Functions(), .. Comparisons(), .. Linear(), .. Pooling(), .. Normalization(), .. Reductions(),
            .. Movement(), .. Resampling(), .. Generation(),
        ];

    private static IEnumerable<OperatorSchema> Elementwise() =>
    [
        Unary("Relu", 1), Unary("Gelu", 5, "approximate:s"), Unary("Sigmoid", 4), Unary("Tanh", 1),
        Unary("LeakyRelu", 2, "alpha:f"), Unary("Elu", 3, "alpha:f"), Unary("HardSwish", 4), Unary("Sqrt", 1), Unary("Exp", 1),
        New("Neg", 1, 1, ElementwiseRules.Same, ElementwiseRules.PerOutput(1)),
        Binary("Add"), Binary("Sub"), Binary("Mul"), Binary("Div"), Binary("Pow"),
        New("Identity", 1, 1, ElementwiseRules.Same, Free),
        New("Cast", 1, 1, ElementwiseRules.Cast, Free, "to:i!"),
        New("Where", 3, 3, ElementwiseRules.Where, Free),
        New("Dropout", 1, 3, ElementwiseRules.Unary, ElementwiseRules.PerOutput(1), "seed:i"),
    ];

    private static IEnumerable<OperatorSchema> Linear() =>
    [
        New("Conv", 2, 3, ConvolutionRules.Conv, ConvolutionRules.ConvCost,
            "auto_pad:s", "dilations:I", "group:i", "kernel_shape:I", "pads:I", "strides:I"),
        New("ConvTranspose", 2, 3, ConvolutionRules.ConvTranspose, ConvolutionRules.ConvTransposeCost,
            "auto_pad:s", "dilations:I", "group:i", "kernel_shape:I", "output_padding:I", "output_shape:I", "pads:I", "strides:I"),
        New("Gemm", 2, 3, LinearRules.Gemm, LinearRules.GemmCost, "alpha:f", "beta:f", "transA:i", "transB:i"),
        New("MatMul", 2, 2, LinearRules.MatMul, LinearRules.MatMulCost),
        New("Attention", 3, 4, AttentionRules.Shape, AttentionRules.Cost,
            "q_num_heads:i", "kv_num_heads:i", "is_causal:i", "scale:f", "softcap:f", "softmax_precision:i",
            "qk_matmul_output_mode:i"),
        New("Einsum", 1, int.MaxValue, EinsumRules.Einsum, EinsumRules.Cost, "equation:s!"),
    ];

    private static IEnumerable<OperatorSchema> Pooling() =>
    [
        Pool("MaxPool", 1, "storage_order:i"),
        Pool("AveragePool", 1, "count_include_pad:i"),
        Pool("LpPool", 2, "p:i"),
        New("GlobalAveragePool", 1, 1, PoolingRules.Global, ElementwiseRules.PerInput(1)),
        New("GlobalMaxPool", 1, 1, PoolingRules.Global, ElementwiseRules.PerInput(1)),
        New("GlobalLpPool", 1, 1, PoolingRules.Global, ElementwiseRules.PerInput(2), "p:i"),
    ];

    private static IEnumerable<OperatorSchema> Normalization() =>
    [
        New("BatchNormalization", 5, 5, NormalizationRules.Batch, ElementwiseRules.PerOutput(2),
            "epsilon:f", "momentum:f", "training_mode:i"),
        New("LayerNormalization", 2, 3, NormalizationRules.Layer, ElementwiseRules.PerOutput(7),
            "axis:i", "epsilon:f", "stash_type:i"),
        New("InstanceNormalization", 3, 3, NormalizationRules.Group, ElementwiseRules.PerOutput(7), "epsilon:f"),
        New("GroupNormalization", 3, 3, NormalizationRules.Group, ElementwiseRules.PerOutput(7),
            "epsilon:f", "num_groups:i!", "stash_type:i"),
        New("RMSNormalization", 2, 2, NormalizationRules.Rms, ElementwiseRules.PerOutput(4), "axis:i", "epsilon:f", "stash_type:i"),
        New("LpNormalization", 1, 1, NormalizationRules.Lp, ElementwiseRules.PerOutput(3), "axis:i", "p:i"),
        New("LRN", 1, 1, NormalizationRules.LocalResponse, NormalizationRules.LocalResponseCost,
            "alpha:f", "beta:f", "bias:f", "size:i!"),
        New("MeanVarianceNormalization", 1, 1, NormalizationRules.MeanVariance, ElementwiseRules.PerOutput(5), "axes:I"),
        New("Softmax", 1, 1, NormalizationRules.Softmax, ElementwiseRules.PerOutput(5), "axis:i"),
        New("LogSoftmax", 1, 1, NormalizationRules.Softmax, ElementwiseRules.PerOutput(5), "axis:i"),
        New("SoftmaxCrossEntropyLoss", 2, 3, LossRules.CrossEntropy, ElementwiseRules.PerInput(5),
            "ignore_index:i", "label_smoothing:f", "reduction:s") with { MaximumOutputs = 2 },
        New("NegativeLogLikelihoodLoss", 2, 3, LossRules.NegativeLogLikelihood, LossRules.NegativeLogLikelihoodCost,
            "ignore_index:i", "reduction:s"),
        New(Lattice, 1, 1, NormalizationRules.Lattice, Free,
            "site:i!", "layout:i!", "channels:i!", "seeds:i!", "producer:s", "producer_axis:i") with { Domain = EsperDomain },
    ];

    private static IEnumerable<OperatorSchema> Movement() =>
    [
        New("Flatten", 1, 1, ReshapeRules.Flatten, Free, "axis:i"),
        New("Reshape", 2, 2, ReshapeRules.Reshape, Free, "allowzero:i"),
        New("Transpose", 1, 1, ReshapeRules.Transpose, Free, "perm:I"),
        New("Squeeze", 1, 2, ReshapeRules.Squeeze, Free),
        New("Unsqueeze", 2, 2, ReshapeRules.Unsqueeze, Free),
        New("Concat", 1, int.MaxValue, SelectionRules.Concat, Free, "axis:i!"),
        New("Slice", 3, 5, SelectionRules.Slice, Free),
        New("Split", 1, 2, SelectionRules.Split, Free, "axis:i", "num_outputs:i") with { MaximumOutputs = int.MaxValue },
        New("Expand", 2, 2, ExpansionRules.Expand, Free),
        New("Tile", 2, 2, ExpansionRules.Tile, Free),
        New("Pad", 2, 4, PadRules.Pad, Free, "mode:s"),
        New("DepthToSpace", 1, 1, ReshapeRules.DepthToSpace, Free, "blocksize:i!", "mode:s"),
        New("SpaceToDepth", 1, 1, ReshapeRules.SpaceToDepth, Free, "blocksize:i!"),
        New("Gather", 2, 2, IndexingRules.Gather, Free, "axis:i"),
        New("GatherElements", 2, 2, IndexingRules.GatherElements, Free, "axis:i"),
        New("GatherND", 2, 2, IndexingRules.GatherND, Free, "batch_dims:i"),
        New("ScatterElements", 3, 3, IndexingRules.ScatterElements, IndexingRules.ScatterCost, "axis:i", "reduction:s"),
        New("ScatterND", 3, 3, IndexingRules.ScatterND, IndexingRules.ScatterCost, "reduction:s"),
    ];

    private static IEnumerable<OperatorSchema> Resampling() =>
    [
        New("Resize", 1, 4, ResampleRules.Resize, ResampleRules.ResizeCost,
            "antialias:i", "axes:I", "coordinate_transformation_mode:s", "cubic_coeff_a:f", "exclude_outside:i",
            "extrapolation_value:f", "keep_aspect_ratio_policy:s", "mode:s", "nearest_mode:s"),
        New("GridSample", 2, 2, ResampleRules.GridSample, ResampleRules.GridSampleCost,
            "align_corners:i", "mode:s", "padding_mode:s"),
    ];

    private static IEnumerable<OperatorSchema> Generation() =>
    [
        New("Shape", 1, 1, GenerationRules.Shape, Free, "start:i", "end:i"),
        New("Size", 1, 1, GenerationRules.Size, Free),
        New("ConstantOfShape", 1, 1, GenerationRules.ConstantOfShape, Free, "value:f", "dtype:i"),
        New("Range", 3, 3, GenerationRules.Range, Free),
        New("EyeLike", 1, 1, GenerationRules.EyeLike, Free, "dtype:i", "k:i"),
        New("OneHot", 3, 3, GenerationRules.OneHot, Free, "axis:i"),
        New("Trilu", 1, 2, GenerationRules.Trilu, Free, "upper:i"),
        New("CastLike", 2, 2, GenerationRules.CastLike, Free),
    ];

    private static long Free(RuleContext context, ImmutableArray<TensorType> outputs) => 0;

    private static OperatorSchema Unary(string op, long flops, params string[] attributes) =>
        New(op, 1, 1, ElementwiseRules.Unary, ElementwiseRules.PerOutput(flops), attributes);

    private static OperatorSchema Binary(string op) =>
        New(op, 2, 2, ElementwiseRules.Binary, ElementwiseRules.PerOutput(1));

    private static OperatorSchema Pool(string op, long flops, string attribute) =>
        New(op, 1, 1, PoolingRules.Pool, PoolingRules.PerWindow(flops),
            "auto_pad:s", "ceil_mode:i", "dilations:I", "kernel_shape:I!", "pads:I", "strides:I", attribute);

    // Attributes are written name:kind, with ! behind where required; kinds: i whole number, f real number, s text, I list of
    // whole numbers.
    private static OperatorSchema New(
        string op, int minimum, int maximum, ShapeRule shape, CostRule cost, params string[] attributes)
    {
        var kinds = ImmutableSortedDictionary.CreateBuilder<string, AttributeKind>(StringComparer.Ordinal);
        List<string> required = [];
        foreach (string attribute in attributes)
        {
            string name = attribute[..attribute.IndexOf(':', StringComparison.Ordinal)];
            kinds.Add(name, attribute[name.Length + 1] switch
            {
                'i' => AttributeKind.Int,
                'f' => AttributeKind.Float,
                's' => AttributeKind.String,
                _ => AttributeKind.Ints,
            });
            if (attribute.EndsWith('!'))
            {
                required.Add(name);
            }
        }

        return new OperatorSchema(op, "", minimum, maximum, 1, kinds.ToImmutable(), [.. required], shape, cost);
    }
}
