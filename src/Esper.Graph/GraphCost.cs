using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>What one node costs.</summary>
/// <param name="Name">Name of the node.</param>
/// <param name="Op">Its operator, with domain.</param>
/// <param name="Flops">Forward FLOPs for a batch of one.</param>
/// <param name="Parameters">Trained parameters that it is the first to read.</param>
public sealed record NodeCost(string Name, string Op, long Flops, long Parameters);

/// <summary>
/// Parameters and floating point operations of a graph. A multiplication and an addition count one each. Conv, ConvTranspose,
/// Gemm, MatMul, Einsum (contracted from left to right) and Attention are counted exactly (a causal mask is not taken off); the rest by
/// element:
/// <list type="table">
/// <listheader><term>FLOPs</term><description>operators</description></listheader>
/// <item>
/// <term>1 an output element</term>
/// <description>
/// Relu, Tanh, Exp, Sqrt, Neg, Add, Sub, Mul, Div, Pow, Dropout, ThresholdedRelu; Abs, Sign, Floor, Ceil, Round, Reciprocal, Log,
/// Erf, Mod and the trigonometric and hyperbolic functions; IsNaN, IsInf, Equal, Less, LessOrEqual, Greater, GreaterOrEqual
/// </description>
/// </item>
/// <item>
/// <term>2 an output element</term>
/// <description>LeakyRelu, PRelu, BatchNormalization (scale and offset); Clip one a bound</description>
/// </item>
/// <item><term>3 an output element</term><description>Elu, Softplus, Softsign, Shrink, LpNormalization</description></item>
/// <item><term>4 an output element</term><description>Sigmoid, HardSigmoid, HardSwish, Selu, Celu, RMSNormalization</description></item>
/// <item>
/// <term>5 an output element</term>
/// <description>Gelu, Mish, Swish, Softmax, LogSoftmax, MeanVarianceNormalization</description>
/// </item>
/// <item><term>7 an output element</term><description>LayerNormalization, GroupNormalization, InstanceNormalization</description></item>
/// <item><term>size + 4 an output element</term><description>LRN</description></item>
/// <item><term>inputs - 1 an output element</term><description>Min, Max, Sum; Mean one more</description></item>
/// <item><term>1, 2 a window element</term><description>MaxPool and AveragePool; LpPool</description></item>
/// <item>
/// <term>1 an input element</term>
/// <description>
/// GlobalAveragePool, GlobalMaxPool, ReduceMean, ReduceSum, ReduceMax, ReduceMin, ReduceProd, ReduceLogSum, CumSum, ArgMax, ArgMin,
/// Hardmax, TopK
/// </description>
/// </item>
/// <item><term>2 an input element</term><description>GlobalLpPool, ReduceL1, ReduceL2, ReduceSumSquare</description></item>
/// <item><term>4 an input element</term><description>ReduceLogSumExp</description></item>
/// <item><term>3, 7 an output element and resized axis</term><description>Resize, linear and cubic</description></item>
/// <item>
/// <term>2^(d + 1) - 1, 31 an output element</term>
/// <description>GridSample, linear over d spatial axes and cubic (weights not counted)</description>
/// </item>
/// <item><term>1 an update</term><description>ScatterElements and ScatterND that add</description></item>
/// <item><term>5 an input element</term><description>SoftmaxCrossEntropyLoss</description></item>
/// <item><term>2 a label</term><description>NegativeLogLikelihoodLoss</description></item>
/// <item>
/// <term>6 a score</term>
/// <description>inside Attention: scale and softmax; 1 more for a mask of numbers, 3 more for a softcap</description>
/// </item>
/// <item>
/// <term>0</term>
/// <description>what only moves, selects or converts; logic (Not, And, Or, Xor, Bitwise...); esper.Lattice (its seeds are counted where they grow)</description>
/// </item>
/// </list>
/// </summary>
/// <param name="Parameters">Number of trained parameters.</param>
/// <param name="Buffers">Number of elements of buffers.</param>
/// <param name="ForwardFlops">Forward FLOPs for one example.</param>
/// <param name="Nodes">Costs by node, in graph order.</param>
public sealed record GraphCost(long Parameters, long Buffers, long ForwardFlops, ImmutableArray<NodeCost> Nodes)
{
    /// <summary>
    /// FLOPs to train on one example: by convention 3 times forward, as backward takes two products for each one of forward.
    /// </summary>
    public long TrainFlops => 3 * ForwardFlops;

    /// <summary>Counts a graph.</summary>
    /// <param name="graph">A valid graph.</param>
    /// <param name="inputShapes">
    /// Shapes that replace those of the inputs, by name; null for none. With a fixed batch extent the FLOPs are those of that
    /// whole batch.
    /// </param>
    /// <exception cref="GraphException">Shapes do not fit.</exception>
    public static GraphCost Of(HostGraph graph, IReadOnlyDictionary<string, TensorShape>? inputShapes = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return Of(graph, ShapeInference.Infer(graph, inputShapes));
    }

    /// <summary>Counts a graph whose shapes are known.</summary>
    internal static GraphCost Of(HostGraph graph, GraphShapes shapes)
    {
        HashSet<string> counted = new(StringComparer.Ordinal);
        ImmutableArray<NodeCost>.Builder nodes = ImmutableArray.CreateBuilder<NodeCost>(graph.Nodes.Length);
        KnownValues known = new(shapes, graph.FindConstant, graph.ProducerOf);
        foreach (Node node in graph.Nodes)
        {
            RuleContext context = ShapeInference.ContextOf(node, shapes, graph.FindConstant, known.Of);
            ImmutableArray<TensorType> outputs = [.. node.Outputs.Where(o => o.Length > 0).Select(o => shapes[o])];
            long parameters = node.Inputs
                .Select(graph.FindParameter)
                .Where(p => p is { Trained: true } && counted.Add(p.Name))
                .Sum(p => p!.ElementCount);
            long flops = Flops(node, context, outputs);
            nodes.Add(new NodeCost(node.Name, node.QualifiedOp, flops, parameters));
        }

        return new GraphCost(
            graph.Parameters.Where(p => p.Trained).Sum(p => p.ElementCount),
            graph.Parameters.Where(p => !p.Trained).Sum(p => p.ElementCount),
            nodes.Sum(n => n.Flops),
            nodes.MoveToImmutable());
    }

    private static long Flops(Node node, RuleContext context, ImmutableArray<TensorType> outputs)
    {
        try
        {
            return ShapeInference.SchemaOf(node).Cost(context, outputs);
        }
        catch (OverflowException e)
        {
            throw new GraphException($"{node.Place}: its operations exceed 64 bits", e);
        }
    }
}
