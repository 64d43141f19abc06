using System.Globalization;

namespace Esper.Graph;

/// <summary>How an initialiser draws.</summary>
public enum InitializerKind
{
    /// <summary>Every element is the same number.</summary>
    Constant,

    /// <summary>Uniform in [-scale, scale].</summary>
    Uniform,

    /// <summary>Normal with mean 0 and standard deviation scale.</summary>
    Normal,

    /// <summary>Nothing is drawn: the numbers are given.</summary>
    Given,
}

/// <summary>How a parameter's first content is drawn.</summary>
public sealed record Initializer
{
    private Initializer(InitializerKind kind, double scale, TensorData? data = null)
    {
        Kind = kind;
        Scale = scale;
        Data = data;
    }

    /// <summary>All 0.</summary>
    public static Initializer Zeros { get; } = new(InitializerKind.Constant, 0);

    /// <summary>All 1.</summary>
    public static Initializer Ones { get; } = new(InitializerKind.Constant, 1);

    /// <summary>How it draws.</summary>
    public InitializerKind Kind { get; }

    /// <summary>The constant, the bound of the uniform or the standard deviation of the normal distribution; 0 where the numbers are given.</summary>
    public double Scale { get; }

    /// <summary>The numbers, where they are given; null otherwise.</summary>
    public TensorData? Data { get; }

    /// <summary>All <paramref name="value"/>.</summary>
    public static Initializer Constant(double value) => new(InitializerKind.Constant, Finite(value, nameof(value)));

    /// <summary>The numbers of a network that was there before.</summary>
    public static Initializer Given(TensorData data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new(InitializerKind.Given, 0, data);
    }

    /// <summary>Uniform in [-bound, bound].</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bound"/> is negative or not finite.</exception>
    public static Initializer Uniform(double bound) => new(InitializerKind.Uniform, NotNegative(bound, nameof(bound)));

    /// <summary>Normal with mean 0 and standard deviation <paramref name="std"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="std"/> is negative or not finite.</exception>
    public static Initializer Normal(double std) => new(InitializerKind.Normal, NotNegative(std, nameof(std)));

    /// <summary>
    /// Uniform in +-1/sqrt(fanIn): PyTorch's default for the weights and biases of linear and convolution layers
    /// (kaiming_uniform_ with a = sqrt(5)).
    /// </summary>
    /// <param name="fanIn">Inputs of one output element, at least 1.</param>
    public static Initializer KaimingUniformTorch(long fanIn)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(fanIn, 1);
        return Uniform(1 / Math.Sqrt(fanIn));
    }

    /// <summary>Normal with standard deviation sqrt(2 / fanIn) (He et al. 2015).</summary>
    /// <param name="fanIn">Inputs of one output element, at least 1.</param>
    public static Initializer HeNormal(long fanIn)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(fanIn, 1);
        return Normal(Math.Sqrt(2.0 / fanIn));
    }

    /// <summary>Such as <c>Uniform(0.1)</c>; given numbers are named by the first digits of their digest.</summary>
    public override string ToString() => $"{Kind}({Data?.Digest[..12] ?? Scale.ToString("R", CultureInfo.InvariantCulture)})";

    private static double NotNegative(double value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value, name);
        return Finite(value, name);
    }

    private static double Finite(double value, string name) =>
        double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(name, value, "The number must be finite.");
}
