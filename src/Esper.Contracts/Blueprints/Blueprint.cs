using System.Collections.Immutable;
using System.Globalization;

namespace Esper.Contracts.Blueprints;

/// <summary>Family of a module g in f(x) = x + g(x). The numbers are those of <c>esper_family</c>.</summary>
public enum BlueprintFamily
{
    /// <summary>g(x) = u * x + t, per channel.</summary>
    Affine = 0,

    /// <summary>g(x) = B (A x), LoRA.</summary>
    LowRank = 1,

    /// <summary>g(x) = W2 act(W1 x + b1) + b2.</summary>
    Bottleneck = 2,

    /// <summary>
    /// Squeeze-excite: g(x) = x tanh(s / 2), s = W2 act(W1 m + b1) + b2, m the mean of x over the positions of an example.
    /// </summary>
    Gate = 3,

    /// <summary>g(x) = W2 act(K * x + b1) + b2, K * x a k x k convolution of each channel by itself.</summary>
    Depthwise = 4,
}

/// <summary>Activation of the families that have a hidden layer between two maps. The numbers are those of <c>esper_activation</c>.</summary>
public enum BlueprintActivation
{
    /// <summary>max(x, 0).</summary>
    Relu = 0,

    /// <summary>x Phi(x), exact.</summary>
    Gelu = 1,

    /// <summary>x sigmoid(x).</summary>
    Silu = 2,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh = 3,

    /// <summary>1 / (1 + exp(-x)).</summary>
    Sigmoid = 4,
}

/// <summary>How host and module values become one. The numbers are those of <c>esper_blend</c>.</summary>
public enum BlendMode
{
    /// <summary>(1 - alpha) h + alpha z.</summary>
    Convex = 0,

    /// <summary>h + alpha g(x).</summary>
    Residual = 1,

    /// <summary>Convex with one learned weight a channel.</summary>
    Channel = 2,

    /// <summary>Convex with a learned gate a position.</summary>
    Gated = 3,

    /// <summary>Convex with a weight that follows the logit margin.</summary>
    Confidence = 4,
}

/// <summary>
/// Architecture of a seed's module. Its name is its whole description: <c>affine</c>, <c>lowrank-R</c>, <c>bottleneck-R</c>,
/// <c>gate-R</c> or <c>depthwise-K</c>; the last three take an activation behind (<c>bottleneck-16-relu</c>; GELU where none is
/// named), and all a blend (<c>lowrank-8+gated</c>; <c>convex</c> where none is named).
/// </summary>
/// <param name="Family">The family.</param>
/// <param name="Rank">Width R of the hidden layer, 1 to 4096; 0 for affine and depthwise.</param>
/// <param name="Activation">Activation of bottleneck, gate and depthwise.</param>
/// <param name="Blend">Blend mode.</param>
/// <param name="Kernel">Side k of the kernel of depthwise: 3, 5 or 7; 0 for the other families.</param>
public sealed record Blueprint(
    BlueprintFamily Family, int Rank, BlueprintActivation Activation, BlendMode Blend, int Kernel = 0)
{
    /// <summary>Largest rank that the kernels accept.</summary>
    public const int MaximumRank = 4096;

    /// <summary>Names of the families, as they begin a blueprint's name.</summary>
    public static ImmutableArray<string> FamilyNames { get; } =
        [.. Enum.GetNames<BlueprintFamily>().Select(name => name.ToLowerInvariant())];

    /// <summary>Canonical name; <see cref="Parse"/> of it gives an equal blueprint.</summary>
    public string Name
    {
        get
        {
            string module = Lower(Family);
            int size = Family == BlueprintFamily.Depthwise ? Kernel : Rank;
            module = Family == BlueprintFamily.Affine
                ? module
                : string.Create(CultureInfo.InvariantCulture, $"{module}-{size}");
            module = HasActivation && Activation != BlueprintActivation.Gelu ? $"{module}-{Lower(Activation)}" : module;
            return Blend == BlendMode.Convex ? module : $"{module}+{Lower(Blend)}";
        }
    }

    /// <summary>Whether <see cref="Activation"/> means anything.</summary>
    public bool HasActivation =>
        Family is BlueprintFamily.Bottleneck or BlueprintFamily.Gate or BlueprintFamily.Depthwise;

    /// <summary>
    /// Whether the module reads other positions of the same example. Such a module suits images alone: on a sequence, each token would
    /// see those behind it.
    /// </summary>
    public bool MixesPositions => Family is BlueprintFamily.Gate or BlueprintFamily.Depthwise;

    /// <summary>
    /// How much the module can do if it learns something wrong. <c>affine</c> and <c>lowrank</c> are low: linear, position by position.
    /// <c>bottleneck</c> (not linear) and <c>gate</c> (reads other positions, but adds less than the host's own value) are medium,
    /// <c>depthwise</c> (mixes positions without a bound) is high. A blend with weights of its own (<c>channel</c>, <c>gated</c>,
    /// <c>confidence</c>) is one tier more: alpha alone does not say any more how much of the module is in.
    /// </summary>
    public RiskTier RiskTier
    {
        get
        {
            RiskTier module = Family switch
            {
                BlueprintFamily.Affine or BlueprintFamily.LowRank => RiskTier.Low,
                BlueprintFamily.Bottleneck or BlueprintFamily.Gate => RiskTier.Medium,
                _ => RiskTier.High,
            };
            bool plain = Blend is BlendMode.Convex or BlendMode.Residual;
            return plain || module == RiskTier.High ? module : module + 1;
        }
    }

    /// <summary>Number of parameters, blend parameters included, over a chunk of <paramref name="channels"/> channels.</summary>
    public long ParameterCount(int channels)
    {
        long c = channels, r = Rank, k = Kernel;
        long module = Family switch
        {
            BlueprintFamily.Affine => 2 * c,
            BlueprintFamily.LowRank => 2 * c * r,
            BlueprintFamily.Depthwise => (c * k * k) + c + (c * c) + c,
            _ => (2 * c * r) + r + c,
        };
        long blend = Blend switch
        {
            BlendMode.Channel => c,
            BlendMode.Gated => c + 1,
            _ => 0,
        };
        return module + blend;
    }

    /// <summary>
    /// Floating point operations of the forward pass for one example (a multiplication and an addition count one each), over a chunk of
    /// <paramref name="channels"/> channels at <paramref name="positions"/> positions.
    /// </summary>
    public long ForwardFlops(int channels, long positions)
    {
        long c = channels, r = Rank, k = Kernel;
        long module = Family switch
        {
            BlueprintFamily.Affine => 2 * c,
            BlueprintFamily.LowRank => 4 * r * c,
            BlueprintFamily.Gate => 2 * c, // An addition for the mean, a multiplication by the gate.
            BlueprintFamily.Depthwise => (2 * c * k * k) + (2 * c * c) + (2 * c),
            _ => (4 * r * c) + r + c,
        };
        long gate = Blend == BlendMode.Gated ? (2 * c) + 2 : 0;

        // The two small maps of a gate run once, whatever the number of positions. y = h + w g costs 2 an element.
        long once = Family == BlueprintFamily.Gate ? (4 * r * c) + r + c : 0;
        return ((module + gate + (2 * c)) * positions) + once;
    }

    /// <summary>Reads a name.</summary>
    /// <exception cref="FormatException">The name is not of one of the known forms; the message lists them.</exception>
    public static Blueprint Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string[] halves = name.Trim().ToLowerInvariant().Split('+');
        string[] parts = halves[0].Split('-');
        BlendMode blend = BlendMode.Convex;
        BlueprintActivation activation = BlueprintActivation.Gelu;
        bool known = halves.Length <= 2
            && (halves.Length < 2 || TryName(halves[1], out blend))
            && parts.Length <= 3
            && (parts.Length < 3 || TryName(parts[2], out activation));
        if (!known || !TryName(parts[0], out BlueprintFamily family))
        {
            throw Malformed(name);
        }

        return (family, parts.Length) switch
        {
            (BlueprintFamily.Affine, 1) => new Blueprint(family, 0, activation, blend),
            (BlueprintFamily.LowRank, 2) or (BlueprintFamily.Bottleneck or BlueprintFamily.Gate, 2 or 3) =>
                new Blueprint(family, ParseRank(name, parts[1]), activation, blend),
            (BlueprintFamily.Depthwise, 2 or 3) =>
                new Blueprint(family, 0, activation, blend, ParseKernel(name, parts[1])),
            _ => throw Malformed(name),
        };
    }

    /// <summary>The canonical name.</summary>
    public override string ToString() => Name;

    private static int ParseRank(string name, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int rank) && rank is >= 1 and <= MaximumRank
            ? rank
            : throw new FormatException(
                $"Blueprint '{name}': rank '{text}' is not a whole number from 1 to {MaximumRank}.");

    private static int ParseKernel(string name, string text) => text switch
    {
        "3" => 3,
        "5" => 5,
        "7" => 7,
        _ => throw new FormatException($"Blueprint '{name}': kernel '{text}' is not 3, 5 or 7."),
    };

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static bool TryName<T>(string text, out T value)
        where T : struct, Enum
    {
        foreach (T candidate in Enum.GetValues<T>())
        {
            if (string.Equals(candidate.ToString(), text, StringComparison.OrdinalIgnoreCase))
            {
                value = candidate;
                return true;
            }
        }

        value = default;
        return false;
    }

    private static FormatException Malformed(string name) => new(
        $"'{name}' is no blueprint. Known forms: affine, lowrank-RANK, bottleneck-RANK, gate-RANK and depthwise-(3|5|7), the last "
        + "three optionally with -(relu|gelu|silu|tanh|sigmoid), each optionally with "
        + "+(convex|residual|channel|gated|confidence).");
}
