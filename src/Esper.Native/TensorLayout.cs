namespace Esper.Native;

/// <summary>Order of a site's tensor in memory. The numbers are those of <c>esper_layout</c>.</summary>
public enum TensorLayout
{
    /// <summary>[batch][channels][positions]: images, positions = height x width.</summary>
    Nchw = 0,

    /// <summary>[batch][positions][channels]: token sequences, channels-last images.</summary>
    Tokens = 1,
}
