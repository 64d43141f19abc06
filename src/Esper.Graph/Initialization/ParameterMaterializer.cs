namespace Esper.Graph;

/// <summary>Makes the first content of parameters.</summary>
public static class ParameterMaterializer
{
    /// <summary>
    /// Content of a parameter, row-major. It depends on seed, parameter name, shape and initialiser alone: not on other
    /// parameters, on order or on threads. Given numbers are handed out as they are, not copied.
    /// </summary>
    /// <exception cref="GraphException">Given numbers do not fill the parameter's shape.</exception>
    public static ReadOnlyMemory<float> Materialize(Parameter parameter, long seed)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        if (parameter.Initializer.Data is { } given)
        {
            return given.Values.Length == parameter.ElementCount
                ? given.Values
                : throw new GraphException(
                    $"parameter '{parameter.Name}': {given.Values.Length} numbers do not fill the shape {parameter.Shape}");
        }

        float[] data = new float[parameter.ElementCount];
        Initializer initializer = parameter.Initializer;
        CounterRandom random = new(seed, parameter.Name);
        switch (initializer.Kind)
        {
            case InitializerKind.Constant:
                Array.Fill(data, (float)initializer.Scale);
                break;
            case InitializerKind.Uniform:
                for (int i = 0; i < data.Length; i++)
                {
                    data[i] = (float)(initializer.Scale * ((2 * random.Uniform(i)) - 1));
                }

                break;
            default:
                for (int i = 0; i < data.Length; i++)
                {
                    data[i] = (float)(initializer.Scale * random.Normal(i));
                }

                break;
        }

        return data;
    }
}
