namespace Esper.Graph;

/// <summary>Draws the first content of parameters.</summary>
public static class ParameterMaterializer
{
    /// <summary>
    /// Content of a parameter, row-major. It depends on seed, parameter name, shape and initialiser alone: not on other
    /// parameters, on order or on threads.
    /// </summary>
    public static float[] Materialize(Parameter parameter, long seed)
    {
        ArgumentNullException.ThrowIfNull(parameter);
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
